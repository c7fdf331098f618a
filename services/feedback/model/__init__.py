"""The rules of feedback: windows, codes and forms. Pure but for the forms, which are data files of the package."""
