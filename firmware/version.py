"""The version, as the package metadata and the User-Agent header say it."""

VERSION = "0.1.0"
