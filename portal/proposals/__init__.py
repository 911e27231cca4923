"""What a partner may ask to be changed in its postbacks, how it is decided, and how both sides hear of it.

fields        what may be proposed, and how each is kept
making        propose, withdraw
deciding      approve, refuse
trying        what the postback would be, its request, and one test of it
differences   what would change, and which values would be sent that are not sent yet
standing      what a postback was when somebody looked at it
telling       operators by notices, the partner by e-mail
"""
