using SplitFrozen.Model.Files;
using SplitFrozen.Model.Lora;
using TorchSharp.Modules;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

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
internal sealed class Projection : nn.Module
{
    private readonly Parameter _weight;
    private readonly Parameter? _bias;
    private readonly WeightOrder _order;

    /// <summary>Loads <c>name.weight</c> and, where asked for, <c>name.bias</c>.</summary>
    public Projection(WeightStore weights, string name, int inputs, int outputs, WeightOrder order, bool bias)
        : base(nameof(Projection))
    {
        _order = order;
        Inputs = inputs;
        Outputs = outputs;
        _weight = order == WeightOrder.InputFirst
            ? new Parameter(weights.Load($"{name}.weight", inputs, outputs), requires_grad: false)
            : new Parameter(weights.Load($"{name}.weight", outputs, inputs), requires_grad: false);
        register_parameter("weight", _weight);
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

    /// <summary>The adapter, if this module has one. The owner of the adapter disposes it.</summary>
    public LoraAdapter? Adapter { get; set; }

    /// <summary>Adds to the weight, for merging an adapter.</summary>
    /// <param name="change">[out, in], whatever the order in which the weight is stored.</param>
    public void AddToWeight(Tensor change)
    {
        using var _ = no_grad();
        _weight.add_(_order == WeightOrder.OutputFirst ? change : change.t());
    }

    /// <summary>Maps rows [R, in] to [R, out].</summary>
    public Tensor Forward(Tensor x, ForwardPass pass)
    {
        var y = _order == WeightOrder.OutputFirst
            ? F.linear(x, _weight, _bias)
            : _bias is null ? x.mm(_weight) : addmm(_bias, x, _weight, 1, 1);
        return Adapter is null ? y : Adapter.Add(y, x, pass);
    }
}
