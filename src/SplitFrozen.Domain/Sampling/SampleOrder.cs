using System.Globalization;

namespace SplitFrozen.Domain.Sampling;

/// <summary>How an epoch's samples are put into order.</summary>
public enum SampleOrderKind
{
    /// <summary>One uniformly random permutation of all samples of all devices.</summary>
    Plan,

    /// <summary>A shuffle buffer over the samples as devices would send them one after another.</summary>
    Buffer,

    /// <summary>As devices would send them one after another: each device's own in random order, device after device.</summary>
    None,
}

/// <summary>The order of samples. All but the plan are ablations: they show what unequal data does to training that does not shuffle over all devices.</summary>
/// <param name="Kind">How.</param>
/// <param name="Capacity">Samples of the buffer, at least 1; read by <see cref="SampleOrderKind.Buffer"/> only.</param>
public readonly record struct SampleOrder(SampleOrderKind Kind, int Capacity)
{
    private const string BufferPrefix = "buffer:";

    /// <summary>The default.</summary>
    public static SampleOrder Plan => default;

    /// <summary>Reads plan, none or buffer:K with K from 1 on.</summary>
    /// <returns>The order, or null where the text is none.</returns>
    public static SampleOrder? Parse(string text) => text switch
    {
        "plan" => Plan,
        "none" => new SampleOrder(SampleOrderKind.None, 0),
        _ when text.StartsWith(BufferPrefix, StringComparison.Ordinal)
            && int.TryParse(text.AsSpan(BufferPrefix.Length), NumberStyles.None, CultureInfo.InvariantCulture, out var capacity) && capacity > 0
            => new SampleOrder(SampleOrderKind.Buffer, capacity),
        _ => null,
    };

    /// <summary>As <see cref="Parse"/> reads it.</summary>
    public string Text => Kind switch
    {
        SampleOrderKind.Plan => "plan",
        SampleOrderKind.None => "none",
        _ => string.Create(CultureInfo.InvariantCulture, $"{BufferPrefix}{Capacity}"),
    };

    /// <summary>Puts samples into order.</summary>
    /// <param name="samples">All samples, device after device; becomes the order.</param>
    /// <param name="seed">The run's seed.</param>
    /// <param name="epoch">Training epoch, from 0.</param>
    public void Apply(PlanSample[] samples, long seed, int epoch)
    {
        if (Kind == SampleOrderKind.Plan)
        {
            SeededRandom.For(seed, "sampling plan", epoch).Shuffle(samples.AsSpan());
            return;
        }

        for (var start = 0; start < samples.Length;)
        {
            var device = samples[start].Device;
            var end = start;
            while (end < samples.Length && samples[end].Device == device)
            {
                end++;
            }

            SeededRandom.For(seed, "device order", epoch, device).Shuffle(samples.AsSpan(start..end));
            start = end;
        }

        if (Kind == SampleOrderKind.Buffer)
        {
            Stream(samples, Capacity, SeededRandom.For(seed, "shuffle buffer", epoch));
        }
    }

    /// <summary>
    /// Passes a stream through a buffer: it is filled, then each sample that comes takes the place of a random one, which goes out; at the end what is left
    /// goes out in random order. With room for the whole stream this is a uniform permutation.
    /// </summary>
    private static void Stream(PlanSample[] samples, int capacity, SeededRandom random)
    {
        var buffer = samples[..Math.Min(capacity, samples.Length)];
        var written = 0;
        foreach (var sample in samples.AsSpan(buffer.Length).ToArray())
        {
            var place = random.Below(buffer.Length);
            (samples[written++], buffer[place]) = (buffer[place], sample);
        }

        random.Shuffle(buffer.AsSpan());
        buffer.CopyTo(samples, written);
    }
}
