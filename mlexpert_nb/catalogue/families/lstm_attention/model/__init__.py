"""Pages of the LSTM encoder-decoder with attention, as they are delivered."""
