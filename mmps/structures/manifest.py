MANIFEST = 'synthetic.json'
"""File that marks a data set as drawn and contains its recipe."""
