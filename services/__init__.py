"""The processes of Chapterhouse. They know nothing of each other but the contracts."""
