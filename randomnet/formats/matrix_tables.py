"""Square matrices as tables of text: CSV, TSV and sheets, with ids as header row and first column, or of numbers alone."""
