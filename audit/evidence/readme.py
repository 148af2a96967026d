"""README.txt of a bundle: how to check it with OpenSSL 3 and the usual tools, without audit7k.

Bundles are held to these bytes, since nothing signs them: another text needs another version of the statement.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

_HEAD: Final = """\
Evidence of an audit, made by audit7k.

What lies here was signed by the owner of each key-N.pem. A key that lies in a bundle proves nothing about whose it is:
get its fingerprint from its owner by another way, and compare. The verdict stands in the public files, not here.

With OpenSSL 3 and the usual tools, in the folder into which this was unpacked:

1. Every file is as it was packed:
   sha256sum -c SHA256SUMS
2. The fingerprint of a key; compare it with what its owner gave you:
   openssl pkey -pubin -in key-1.pem -outform DER | sha256sum
3. The signature over statement.json:
   { printf 'DSSEv1 28 application/vnd.in-toto+json %d ' "$(wc -c <statement.json)"; cat statement.json; } >pae
"""
_CHECK: Final = "   openssl pkeyutl -verify -pubin -inkey key-{0}.pem -rawin -in pae -sigfile signature-{0}.sig\n"
_UNSIGNED: Final = """\
   There is no signature yet. To make one, on a card too, and put it into the bundle:
   openssl pkeyutl -sign -inkey auditor.key -rawin -in pae -out auditor.sig
   audit7k attach evidence.a7k auditor.sig --key auditor.pub
"""
_TAIL: Final = """\
4. The public files are those that were signed, and all of them are there:
   grep -o '"sha256":"[0-9a-f]*"},"name":"public/[^"]*"' statement.json |
     cut -d '"' -f 4,8 --output-delimiter '  ' >signed
   sha256sum -c signed; [ "$(cat signed)" = "$(sha256sum public/*)" ] && echo "public: signed" || echo "NOT SIGNED"
5. A commitment, for whoever got its salt and the SHA-256 of the thing; "role" is its name in statement.json:
   printf 'audit7k commitment v1\\n%s\\nsha256:%s\\n' role SHA256 | openssl dgst -sha256 -mac HMAC -macopt hexkey:SALT
"""


def readme(signers: Sequence[int]) -> bytes:
    """Write the file for a bundle whose statement was signed with the keys of these numbers."""
    checks = "".join(_CHECK.format(number) for number in signers) or _UNSIGNED
    return (_HEAD + checks + _TAIL).encode("ascii")
