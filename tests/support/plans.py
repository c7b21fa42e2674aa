"""Texts of INIs for tests of what is read from them."""


def grid(text):
    return f"[combosparams]\ncombos_params = {text}\n"
