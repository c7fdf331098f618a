"""From answers to a report that exposes nobody. Pure.

``figures`` rounds and names classes, ``complement`` decides what is withheld so that subtraction tells nothing,
``blocks`` puts the report together. The rules follow the Handbook on Statistical Disclosure Control (Hundepool
et al., chapter 5: thresholds, rounding, group disclosure, differencing) and are tried by attackers in the tests.
"""
