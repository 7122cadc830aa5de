using SplitFrozen.Model.Files;
using SplitFrozen.Model.Lora;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace SplitFrozen.Model.Blocks;

/// <summary>How a linear module's weight is stored.</summary>
internal enum WeightOrder
{
    /// <summary>[out, in], as torch's Linear.</summary>
    OutputFirst,

    /// <summary>[in, out], as GPT-2's Conv1D (peft: fan_in_fan_out).</summary>
    InputFirst,
}

/// <summary>A frozen linear module y = W x + b that may carry an adapter.</summary>
internal sealed class Projection : nn.Module, IHoldsStored
{
    private readonly Parameter? _weight;
    private readonly StoredMatrix? _stored;
    private readonly Parameter? _bias;
    private readonly WeightOrder _order;

    /// <summary>Loads <c>name.weight</c> and, where asked for, <c>name.bias</c>.</summary>
    public Projection(WeightStore weights, string name, int inputs, int outputs, WeightOrder order, bool bias)
        : base(nameof(Projection))
    {
        _order = order;
        Inputs = inputs;
        Outputs = outputs;
        long[] shape = order == WeightOrder.InputFirst ? [inputs, outputs] : [outputs, inputs];
        _stored = weights.LoadStored($"{name}.weight", shape);
        if (_stored is null)
        {
            _weight = new Parameter(weights.Load($"{name}.weight", shape), requires_grad: false);
            register_parameter("weight", _weight);
        }
        else
        {
            _stored.ReserveBuffer();
        }

        if (bias)
        {
            _bias = new Parameter(weights.Load($"{name}.bias", outputs), requires_grad: false);
            register_parameter("bias", _bias);
        }
    }

    /// <summary>Width of the input.</summary>
    public int Inputs { get; }

    /// <summary>Width of the output.</summary>
    public int Outputs { get; }

    /// <inheritdoc/>
    public long StoredBytes => _stored?.Bytes ?? 0;

    /// <summary>The adapter, if this module has one. The owner of the adapter disposes it.</summary>
    public LoraAdapter? Adapter { get; set; }

    /// <summary>Adds to the weight, for merging an adapter.</summary>
    /// <param name="change">[out, in], whatever the order in which the weight is stored.</param>
    public void AddToWeight(Tensor change)
    {
        using var _ = no_grad();
        var weight = _weight ?? throw new InvalidOperationException("A weight that is held as stored cannot be changed.");
        weight.add_(_order == WeightOrder.OutputFirst ? change : change.t(), Numbers.One);
    }

    /// <summary>b [out], if there is one.</summary>
    public Tensor? Bias => _bias;

    /// <summary>Maps rows [R, in] to [R, out].</summary>
    /// <param name="x">The rows.</param>
    /// <param name="pass">The pass that they are in.</param>
    /// <param name="rows">Which rows of the batch they are; null for all.</param>
    public Tensor Forward(Tensor x, ForwardPass pass, RowSelection? rows = null) => Forward(x, _bias, pass, rows);

    /// <summary>The same without the bias, which whoever reads the result next adds in passing.</summary>
    /// <param name="x">The rows.</param>
    /// <param name="pass">The pass that they are in.</param>
    /// <param name="rows">Which rows of the batch they are; null for all.</param>
    public Tensor ForwardUnbiased(Tensor x, ForwardPass pass, RowSelection? rows = null) => Forward(x, null, pass, rows);

    /// <summary>Maps all rows [T, in] to the columns from <paramref name="columns"/> on, and some of them to the columns before those.</summary>
    /// <param name="x">All rows of the batch.</param>
    /// <param name="pass">The pass that they are in.</param>
    /// <param name="some">Rows [R] of which the first columns are needed.</param>
    /// <param name="columns">How many columns come first.</param>
    /// <returns>[R, columns] and [T, out − columns].</returns>
    public (Tensor First, Tensor Others) Forward(Tensor x, ForwardPass pass, RowSelection some, int columns)
    {
        var weight = Weight();
        var first = Multiply(x.index_select(0, some.Index), Columns(weight, 0, columns), _bias?.narrow(0, 0, columns));
        var rest = Multiply(x, Columns(weight, columns, Outputs - columns), _bias?.narrow(0, columns, Outputs - columns));
        return Adapter is null ? (first, rest) : Adapter.Add(first, some, rest, x, pass);
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        _stored?.Dispose();
        base.Dispose(disposing);
    }

    /// <summary>The weight; of one that is held as stored, its expansion in the shared buffer, which the next module's overwrites.</summary>
    private Tensor Weight() => _weight ?? _stored!.Expand();

    private Tensor Forward(Tensor x, Tensor? bias, ForwardPass pass, RowSelection? rows)
    {
        var y = Multiply(x, Weight(), bias);
        return Adapter is null ? y : Adapter.Add(y, x, pass, rows);
    }

    private Tensor Columns(Tensor weight, int start, int count) => weight.narrow(_order == WeightOrder.OutputFirst ? 0 : 1, start, count);

    private Tensor Multiply(Tensor x, Tensor weight, Tensor? bias) => _order == WeightOrder.OutputFirst
        ? Products.Linear(x, weight, bias)
        : Products.Conv1D(x, weight, bias);
}
