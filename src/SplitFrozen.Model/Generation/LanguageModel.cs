using SplitFrozen.Domain;
using SplitFrozen.Domain.Models;
using SplitFrozen.Model.Blocks;
using SplitFrozen.Model.Files;
using SplitFrozen.Model.Lora;
using SplitFrozen.Model.Peft;
using SplitFrozen.Model.Training;
using static TorchSharp.torch;

namespace SplitFrozen.Model.Generation;

/// <summary>All of a causal language model, and where one is given its adapter, for running forward only. One owner, one thread at a time.</summary>
internal sealed class LanguageModel : IDisposable
{
    /// <summary>Texts that <see cref="ForwardEach"/> takes at most.</summary>
    public const int TextsTogether = 32;

    private readonly Architecture _architecture;
    private readonly Device _device;
    private readonly Embeddings _embeddings;
    private readonly Block[] _blocks;
    private readonly Norm _finalNorm;
    private readonly Tensor _head;
    private readonly TrainableSet? _adapter;

    /// <summary>Loads the model.</summary>
    /// <param name="architecture">Its family and sizes.</param>
    /// <param name="weights">Its weights.</param>
    /// <param name="adapter">An adapter of a language model, or null.</param>
    /// <param name="device">Where it is computed.</param>
    /// <exception cref="UserErrorException">Weights are missing, or the adapter does not fit.</exception>
    public LanguageModel(Architecture architecture, WeightStore weights, PeftAdapter? adapter, Device device)
    {
        _architecture = architecture;
        _device = device;
        Shape = architecture.Shape(weights.BytesPerParameter);
        _embeddings = architecture.LoadEmbeddings(weights);
        _blocks = [.. Enumerable.Range(0, Shape.Layers).Select(layer => architecture.LoadBlock(weights, layer))];
        _finalNorm = architecture.LoadFinalNorm(weights);
        _head = weights.Load(architecture.LanguageHead, Shape.Vocabulary, Shape.Width);
        _adapter = adapter is null ? null : Attach(adapter);
    }

    /// <summary>Its sizes.</summary>
    public ModelShape Shape { get; }

    /// <summary>A cache for one text.</summary>
    public KeyValueCache NewCache() => new(Shape.Layers, Shape.Context);

    /// <summary>Runs further tokens of a text and gives the logits of the last one.</summary>
    /// <param name="tokens">Token ids [T], at least one, behind those that the cache holds; together at most the context.</param>
    /// <param name="cache">What is held of the text; holds these tokens too afterwards.</param>
    /// <param name="logits">Receives [V].</param>
    public void Forward(ReadOnlySpan<int> tokens, KeyValueCache cache, Span<float> logits)
    {
        using var scope = NewDisposeScope();
        using var _ = inference_mode();
        var layout = new RaggedLayout([tokens.Length], Shape.Context - cache.Rows, _device) { FirstPositions = [cache.Rows] };
        var needed = tokens.Length > 1 ? new RowSelection([tokens.Length - 1], areLast: true, _device) : null;
        var rows = Run(tokens, layout, cache, needed);
        cache.Advance(tokens.Length);
        TensorMemory.Download(rows, logits);
    }

    /// <summary>
    /// Runs a further token of each of several texts: the weights pass through memory once for all. Rows are filled up to a multiple of <see cref="FrozenBlocks.RowBlock"/>, so that a
    /// text's bits do not depend on its company (they may differ from those of <see cref="Forward"/> in the last place).
    /// </summary>
    /// <param name="tokens">Token ids [N], at most <see cref="TextsTogether"/>.</param>
    /// <param name="caches">What is held of the texts [N]; each holds its token too afterwards, and has room for it.</param>
    /// <param name="logits">Receives [N, V].</param>
    public void ForwardEach(ReadOnlySpan<int> tokens, IReadOnlyList<KeyValueCache> caches, Span<float> logits)
    {
        using var scope = NewDisposeScope();
        using var _ = inference_mode();
        int count = (tokens.Length + FrozenBlocks.RowBlock - 1) / FrozenBlocks.RowBlock * FrozenBlocks.RowBlock;
        int[] filled = new int[count];
        tokens.CopyTo(filled);
        int[] positions = new int[count];
        for (int i = 0; i < caches.Count; i++)
        {
            positions[i] = caches[i].Rows;
        }

        int[] ones = new int[count];
        Array.Fill(ones, 1);
        var layout = new RaggedLayout(ones, Shape.Context, _device) { FirstPositions = positions };
        var rows = Run(filled, layout, new KeyValueCaches(caches), null);
        foreach (var cache in caches)
        {
            cache.Advance(1);
        }

        TensorMemory.Download(rows.narrow(0, 0, tokens.Length), logits);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _embeddings.Dispose();
        foreach (var block in _blocks)
        {
            block.Dispose();
        }

        _finalNorm.Dispose();
        _head.Dispose();
        _adapter?.Dispose();
    }

    /// <summary>The logits of the rows, or of the needed ones of them: [R, V].</summary>
    private Tensor Run(ReadOnlySpan<int> tokens, RaggedLayout layout, IHeldRows held, RowSelection? needed)
    {
        var pass = _architecture.Begin(layout, _device, held);
        var rows = _embeddings.Forward(TensorMemory.Upload(tokens, _device), layout);
        for (int i = 0; i < _blocks.Length; i++)
        {
            using var inner = NewDisposeScope();
            pass.Needed = i == _blocks.Length - 1 ? needed : null;
            var next = _blocks[i].Forward(rows, pass).MoveToOuterDisposeScope();
            rows.Dispose();
            rows = next;
        }

        return _finalNorm.Forward(rows).mm(_head.t());
    }

    private TrainableSet Attach(PeftAdapter adapter)
    {
        var modules = _blocks
            .SelectMany((block, layer) => block.Projections().Select(part => (Name: $"{_architecture.BlockName(layer)}.{part.Name}", part.Module)))
            .ToDictionary(part => part.Name, part => part.Module, StringComparer.Ordinal);
        adapter.RequireAmong(modules.Keys.ToHashSet(StringComparer.Ordinal));
        using var scope = NewDisposeScope();
        using var _ = no_grad();
        var read = adapter.Modules.Select(name => (Name: name, Pair: adapter.Read(name, modules[name].Inputs, modules[name].Outputs))).ToArray();
        var set = new TrainableSet([[.. read.SelectMany(part => Shapes(part.Name, part.Pair))]], _device);
        for (int i = 0; i < read.Length; i++)
        {
            var (a, b) = (set.Members[2 * i], set.Members[(2 * i) + 1]);
            a.Value.copy_(read[i].Pair.A);
            b.Value.copy_(read[i].Pair.B);
            modules[read[i].Name].Adapter = new LoraAdapter(read[i].Name, a, b, adapter.Scale);
        }

        return set;
    }

    private static IEnumerable<(string Name, long[] Shape)> Shapes(string module, (Tensor A, Tensor B) pair) =>
        [(LoraNames.A(module), pair.A.shape), (LoraNames.B(module), pair.B.shape)];
}
