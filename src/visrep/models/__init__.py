"""What embeds and what classifies: networks, axes, a graph, and the files they are kept in."""
