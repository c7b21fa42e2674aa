"""Tables in files: bytes, compression, text, sheets, parquet and feather -> checked columns."""
