"""What happens to a release after it was published: it is recalled, its users are named, its holders acknowledge.

``recalling`` puts the steps in order: ``looking`` reads releases side by side, ``copies`` finds refused recordings
under another id, ``writing`` puts the recalls, ``feed`` tells the world. ``replacing`` says what is left to do,
``uses`` keeps who uses what and who has heard.
"""
