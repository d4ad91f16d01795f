"""Where a system keeps the certificates that its programs trust."""

from __future__ import annotations

# Below the root, of Linux distributions and macOS. Source: Go's crypto/x509/root_linux.go.
CERTIFICATE_STORES = (
    "etc/ssl/certs/ca-certificates.crt",
    "etc/pki/tls/certs/ca-bundle.crt",
    "etc/ssl/ca-bundle.pem",
    "etc/pki/tls/cacert.pem",
    "etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
    "etc/ssl/cert.pem",
)
