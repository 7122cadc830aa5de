using SplitFrozen.Model.Blocks;
using TorchSharp;
using static TorchSharp.torch;

namespace SplitFrozen.Model.Llama;

/// <summary>Rotary position embeddings with half rotation (Su et al. 2021, in the order of Hugging Face): dimension i turns with i + Dh/2.</summary>
internal static class RotaryEmbedding
{
    /// <summary>Angles a position of the pairs [Dh / 2].</summary>
    public static float[] Frequencies(RotaryConfig config, int headWidth)
    {
        float[] frequencies = new float[headWidth / 2];
        for (int i = 0; i < frequencies.Length; i++)
        {
            frequencies[i] = (float)Scaled(Math.Pow(config.Theta, -2.0 * i / headWidth), i, config);
        }

        return frequencies;
    }

    /// <summary>Cosines and sines of all rows.</summary>
    public static RotaryAngles Angles(float[] frequencies, RaggedLayout layout, Device device)
    {
        var half = outer(layout.Positions().to(ScalarType.Float32), torch.tensor(frequencies, device: device));
        var angles = cat([half, half], -1).unsqueeze(1);
        return new RotaryAngles(angles.cos(), angles.sin());
    }

    /// <summary>Rotates rows [T, H, Dh], which are overwritten where no gradient is asked for.</summary>
    public static Tensor Rotate(Tensor x, RotaryAngles angles)
    {
        if (RotaryFunction.Takes(x))
        {
            return RotaryFunction.Run(x, angles);
        }

        var halves = x.chunk(2, -1);
        return x.mul(angles.Cosine).add_(cat([halves[1].neg(), halves[0]], -1).mul_(angles.Sine), Numbers.One);
    }

    /// <summary>Llama 3.1's scaling as in its reference code and in Hugging Face's modeling_rope_utils.</summary>
    private static double Scaled(double frequency, int pair, RotaryConfig config)
    {
        if (config.Scaling == RotaryScaling.Listed)
        {
            return frequency / config.Divisors[pair];
        }

        if (config.Scaling != RotaryScaling.Llama3)
        {
            return frequency / config.Factor;
        }

        double turns = config.OriginalContext * frequency / (2 * Math.PI);
        double kept = (turns - config.LowFrequencyFactor) / (config.HighFrequencyFactor - config.LowFrequencyFactor);
        kept = Math.Clamp(kept, 0, 1);
        return ((1 - kept) * frequency / config.Factor) + (kept * frequency);
    }
}
