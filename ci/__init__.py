"""Programs that build, check and release the artifacts; the workflows only call them."""
