using SplitFrozen.Domain.Sampling;

namespace SplitFrozen.TestKit.StandIn;

/// <summary>One trained block of the stand-in model: y = x + tanh(z), z = W x + s B (A x).</summary>
internal sealed class StandInLayer(float[] weight, StandInParameter a, StandInParameter b, int width, int rank, double scale)
{
    public StandInParameter A => a;

    public StandInParameter B => b;

    /// <summary>Replaces x by the block's output and tells what B and W need.</summary>
    public Trace Forward(ref double[] x)
    {
        var input = x;
        var low = Multiply(a.Value, input, rank, width);
        var up = Multiply(b.Value, low, width, rank);
        var activation = new double[width];
        var y = new double[width];
        for (var i = 0; i < width; i++)
        {
            var z = scale * up[i];
            for (var j = 0; j < width; j++)
            {
                z += weight[(i * width) + j] * input[j];
            }

            activation[i] = Math.Tanh(z);
            y[i] = input[i] + activation[i];
        }

        x = y;
        return new Trace(input, low, activation);
    }

    /// <summary>The gradient with respect to the block's input; keeps the one with respect to z for W.</summary>
    public double[] BackwardInput(Trace trace, double[] gradient)
    {
        var dz = new double[width];
        for (var i = 0; i < width; i++)
        {
            dz[i] = gradient[i] * (1 - (trace.Activation[i] * trace.Activation[i]));
        }

        trace.OutputGradient = dz;
        var low = MultiplyTransposed(b.Value, dz, width, rank);
        var result = MultiplyTransposed(a.Value, low, rank, width);
        for (var j = 0; j < width; j++)
        {
            result[j] = gradient[j] + (scale * result[j]);
            for (var i = 0; i < width; i++)
            {
                result[j] += weight[(i * width) + j] * dz[i];
            }
        }

        return result;
    }

    /// <summary>The frozen weight takes up the product of an adapter, so many times.</summary>
    public void AddProduct(double factor, double[] downward, double[] upward)
    {
        for (var i = 0; i < width; i++)
        {
            for (var j = 0; j < width; j++)
            {
                var product = 0.0;
                for (var r = 0; r < rank; r++)
                {
                    product += upward[(i * rank) + r] * downward[(r * width) + j];
                }

                weight[(i * width) + j] += (float)(factor * scale * product);
            }
        }
    }

    /// <summary>Adds the gradients of A and B.</summary>
    public void BackwardWeights(Trace trace)
    {
        var dz = trace.OutputGradient ?? throw new InvalidOperationException("W needs B.");
        var low = MultiplyTransposed(b.Value, dz, width, rank);
        for (var i = 0; i < width; i++)
        {
            for (var r = 0; r < rank; r++)
            {
                b.Gradient[(i * rank) + r] += scale * dz[i] * trace.Low[r];
                a.Gradient[(r * width) + i] += scale * low[r] * trace.Input[i];
            }
        }
    }

    private static double[] Multiply(double[] matrix, double[] x, int rows, int columns)
    {
        var y = new double[rows];
        for (var i = 0; i < rows; i++)
        {
            for (var j = 0; j < columns; j++)
            {
                y[i] += matrix[(i * columns) + j] * x[j];
            }
        }

        return y;
    }

    private static double[] MultiplyTransposed(double[] matrix, double[] x, int rows, int columns)
    {
        var y = new double[columns];
        for (var i = 0; i < rows; i++)
        {
            for (var j = 0; j < columns; j++)
            {
                y[j] += matrix[(i * columns) + j] * x[i];
            }
        }

        return y;
    }

    /// <summary>What one sample's pass left behind.</summary>
    internal sealed record Trace(double[] Input, double[] Low, double[] Activation)
    {
        public double[]? OutputGradient { get; set; }
    }
}

/// <summary>A trained array with its gradient and AdamW's moments.</summary>
internal sealed class StandInParameter(int count)
{
    public double[] Value { get; } = new double[count];

    public double[] Gradient { get; } = new double[count];

    public double[] First { get; } = new double[count];

    public double[] Second { get; } = new double[count];

    public static StandInParameter Random(SeededRandom random, int count, double scale)
    {
        var parameter = new StandInParameter(count);
        for (var i = 0; i < count; i++)
        {
            parameter.Value[i] = scale * ((2 * random.NextDouble()) - 1);
        }

        return parameter;
    }

    /// <summary>One step (β .9 and .999, ε 1e-8) with the gradient times <paramref name="gradientScale"/>, which is cleared.</summary>
    public void AdamW(double rate, double gradientScale, double decay, int step)
    {
        for (var i = 0; i < count; i++)
        {
            var g = Gradient[i] * gradientScale;
            First[i] = (0.9 * First[i]) + (0.1 * g);
            Second[i] = (0.999 * Second[i]) + (0.001 * g * g);
            var mean = First[i] / (1 - Math.Pow(0.9, step));
            var deviation = Math.Sqrt(Second[i] / (1 - Math.Pow(0.999, step)));
            Value[i] -= rate * ((decay * Value[i]) + (mean / (deviation + 1e-8)));
            Gradient[i] = 0;
        }
    }
}
