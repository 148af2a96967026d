"""README.txt of a bundle: how to check it with OpenSSL 3 and the usual tools, without audit7k.

Bundles are held to these bytes, since nothing signs them: another text needs another version of the statement.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

_HEAD: Final = """\
Evidence of an audit, made by audit7k: a zip file, to be unpacked into a new, empty folder.

Only statement.json and what lies in public/ are signed, by the owner of each key-N.pem. A key that lies in a bundle
proves nothing about whose it is: get its fingerprint from its owner by another way, and compare. Who forges a bundle
writes these lines too: take them from the documentation. Read the files in public/, not copies that lie elsewhere.

With OpenSSL 3 and the usual tools, in that folder:

1. The fingerprint of a key; compare all of it with what its owner gave you:
   openssl pkey -pubin -in key-1.pem -outform DER | sha256sum
2. The signature over statement.json:
   work=$(mktemp -d); signed=yes
   { printf 'DSSEv1 28 application/vnd.in-toto+json %d ' "$(wc -c <statement.json)"; cat statement.json; } >"$work/pae"
"""
_CHECK: Final = """\
   openssl pkeyutl -verify -pubin -inkey key-{0}.pem -rawin -in "$work/pae" -sigfile signature-{0}.sig || signed=
"""
_UNSIGNED: Final = """\
   There is no signature yet. To make one, on a card too, and put it into the bundle:
   signed=; openssl pkeyutl -sign -inkey auditor.key -rawin -in "$work/pae" -out auditor.sig
   audit7k attach evidence.a7k auditor.sig --key auditor.pub
"""
_TAIL: Final = """\
3. The public files are those that were signed, and all of them are there:
   grep -o '"sha256":"[0-9a-f]*"},"name":"public/[^"]*"' statement.json |
     sed 's/"sha256":"//; s/"},"name":"/  /; s/"$//' | sort >"$work/signed"
   find public ! -type d -print0 | xargs -0 sha256sum | sort >"$work/public"
   [ "$signed" ] && cmp "$work/signed" "$work/public" && echo "public: signed" || echo "NOT SIGNED"
4. The system, the day and the verdict that were signed:
   grep -o '"headline":"[a-z]*"\\|"sealed_at":"[^"]*"\\|"system":{[^}]*}' statement.json
5. A commitment, for whoever got its salt and the SHA-256 of the thing; "role" is its name in statement.json, which has
   what this must print:
   printf 'audit7k commitment v1\\n%s\\nsha256:%s\\n' role SHA256 | openssl dgst -sha256 -mac HMAC -macopt hexkey:SALT
"""


def readme(signers: Sequence[int]) -> bytes:
    """Write the file for a bundle whose statement was signed with the keys of these numbers."""
    checks = "".join(_CHECK.format(number) for number in signers) or _UNSIGNED
    return (_HEAD + checks + _TAIL).encode("ascii")
