"""The native packet plane: the only part of Conclave that touches RTP. Python writes tables and reads facts."""
