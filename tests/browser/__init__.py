"""Every page of the two web apps, in headless Chromium, over a whole network."""
