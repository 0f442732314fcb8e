"""What is run from the checkout: the command line with its reports, and the training of the shipped networks."""
