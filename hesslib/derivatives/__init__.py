"""First derivatives by backpropagation, derivatives by the inputs, and how those change with the weights."""
