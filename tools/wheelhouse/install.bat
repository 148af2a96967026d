@echo off
rem Install audit7k from this folder alone: install.bat [FOLDER], by default audit7k in your home folder.
setlocal
set "PLACE=%~1"
if "%PLACE%"=="" set "PLACE=%USERPROFILE%\audit7k"
set "RIGHT=import sys; sys.exit(sys.version_info[:2] != tuple(map(int, '@PYTHON@'.split('.'))))"
set "PYTHON=py -@PYTHON@"
%PYTHON% -c "%RIGHT%" >nul 2>nul || set "PYTHON=python"
%PYTHON% -c "%RIGHT%" >nul 2>nul || (echo Python @PYTHON@ is needed, from python.org or your administrator. 1>&2 & exit /b 4)
%PYTHON% -m venv "%PLACE%" || exit /b 1
"%PLACE%\Scripts\python.exe" -m pip --isolated install --quiet --disable-pip-version-check --no-index --no-cache-dir --find-links "%~dp0wheels" --require-hashes --only-binary :all: --requirement "%~dp0requirements.txt" || exit /b 1
"%PLACE%\Scripts\audit7k.exe" --version || exit /b 1
echo Begin with: "%PLACE%\Scripts\audit7k.exe" demo
