"""For trying out and developing: embedded servers, `up`, a demo, a receiver. Not for production deployments."""
