"""README.txt of a bundle: how to check it with OpenSSL 3 and the usual tools, without audit7k.

Bundles are held to these bytes, since nothing signs them: another text needs another version of the statement.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from audit.vocabulary.file_names import EVIDENCE

# One command, which a shell reads whole before it begins: no question of unzip takes a next line for its answer. Every
# part must end well before a word of the statement is printed, without what moves a cursor. A link is refused.
_UNPACK: Final = """\
bundle={bundle}
( work=$(mktemp -d) && mkdir "$work/evidence" && unzip -qn -P x -d "$work/evidence" "$bundle" \\
    statement.json {files} 'public/*' </dev/null &&
  cd "$work/evidence" && [ -z "$(find . ! -type f ! -type d)" ] &&
  {{ printf 'DSSEv1 28 application/vnd.in-toto+json %d ' "$(wc -c <statement.json)" &&
    cat statement.json; }} >../message &&
"""
_SIGNED: Final = """\
  openssl pkey -pubin -in key-{0}.pem -outform DER -out ../key && sha256sum <../key &&
  openssl pkeyutl -verify -pubin -inkey key-{0}.pem -rawin -in ../message -sigfile signature-{0}.sig &&
"""
_LISTED: Final = """\
  grep -ao '"sha256":"[0-9a-f]*"},"name":"public/[^"]*"' statement.json |
    sed 's/"sha256":"//; s/"},"name":"/  /; s/"$//' | sort >../signed &&
  find public -type f -exec sha256sum {} + >../found && sort ../found >../public &&
  [ -s ../signed ] && cmp ../signed ../public &&
  grep -ao '"headline":"[a-z]*"\\|"sealed_at":"[^"]*"\\|"system":{"name":"[^"]*"' statement.json >../said &&
  tr -cd '\\012\\040-\\176' <../said &&
  echo "public: signed, in $PWD/public"
) || echo "NOT SIGNED"
"""

_HEAD: Final = """\
Evidence of an audit, made by audit7k.

Who forges a bundle writes these lines too: take them from the documentation.
"""
_TYPED: Final = """
To check it, you need OpenSSL 3 and the usual tools. Where the bundle lies, type:

{lines}
This prints the fingerprint of each key: compare all of it with what the owner of the key gave you by another way. Then
verdict, day and system, as they were signed, and where the signed files are: read these, and no copies elsewhere.
These lines check nothing else of the bundle.
"""
_UNSIGNED: Final = """
Nobody has signed it yet. To sign it, on a card too, type where the bundle lies:

   unzip -p evidence.a7k statement.json >statement.json
   { printf 'DSSEv1 28 application/vnd.in-toto+json %d ' "$(wc -c <statement.json)"; cat statement.json; } >message
   openssl pkeyutl -sign -inkey auditor.key -rawin -in message -out auditor.sig
   audit7k attach evidence.a7k auditor.sig --key auditor.pub
"""
_OPENED: Final = """
What is not public stands in statement.json as commitments: keyed digests, from which nobody can tell what they are
of. Who got a thing and its salt types this; "role" is its name in statement.json, which has what this must print:

   printf 'audit7k commitment v1\\n%s\\nsha256:%s\\n' role SHA256 | openssl dgst -sha256 -mac HMAC -macopt hexkey:SALT
"""


def check_lines(bundle: str, signers: Sequence[int]) -> str:
    """Write the lines of a shell that check a bundle at this path, signed with the keys of these numbers."""
    files = " ".join(f"key-{number}.pem signature-{number}.sig" for number in signers)
    signed = "".join(_SIGNED.format(number) for number in signers)
    return _UNPACK.format(bundle=bundle, files=files) + signed + _LISTED


def readme(signers: Sequence[int]) -> bytes:
    """Write the file for a bundle whose statement was signed with the keys of these numbers."""
    lines = "".join(f"   {line}\n" for line in check_lines(EVIDENCE, signers).splitlines())
    how = _TYPED.format(lines=lines) if signers else _UNSIGNED
    return (_HEAD + how + _OPENED).encode("ascii")
