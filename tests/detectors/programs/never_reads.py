"""Never reads a row and never says a word."""

import time

time.sleep(600)
