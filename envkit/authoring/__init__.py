"""Make, check and install plugins: what their authors and users do with them on this machine."""
