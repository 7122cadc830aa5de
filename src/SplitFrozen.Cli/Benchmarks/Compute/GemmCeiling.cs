using System.Diagnostics;

using SplitFrozen.Domain.Costs;
using SplitFrozen.Domain.Models;

using TorchSharp;

using static TorchSharp.torch;

namespace SplitFrozen.Cli.Benchmarks.Compute;

/// <summary>
/// The rate that TorchSharp reaches on the bare matrix products of a model's blocks, each shape as often as a block has it: what the modules are held
/// against. Operands are as the modules have them (GPT-2 multiplies by W [in, out], Llama by Wᵀ of W [out, in]), results go to memory that is there already.
/// </summary>
internal sealed class GemmCeiling : IDisposable
{
    private readonly DisposeScope _scope = NewDisposeScope();
    private readonly List<(Tensor X, Tensor W, Tensor Y)> _forward = [];
    private readonly List<(Tensor X, Tensor W, Tensor Y)> _backward = [];
    private readonly double _flops;

    /// <summary>Operands for so many tokens.</summary>
    public GemmCeiling(ModelShape shape, int tokens)
    {
        foreach (var matrix in BlockMatrix.Of(shape))
        {
            var weight = shape.Family == ModelFamily.Gpt2 ? randn(matrix.Inputs, matrix.Outputs) : randn(matrix.Outputs, matrix.Inputs).t();
            var (inputs, outputs) = (randn(tokens, matrix.Inputs), randn(tokens, matrix.Outputs));
            _forward.Add((inputs, weight, empty(tokens, matrix.Outputs)));
            _backward.Add((outputs, weight.t(), empty(tokens, matrix.Inputs)));
            _flops += 2.0 * tokens * matrix.Parameters;
        }
    }

    /// <summary>FLOP/s of so many blocks' forward products.</summary>
    public double Forward(int blocks) => Rate(_forward, blocks);

    /// <summary>FLOP/s of so many blocks' forward and input-gradient products together.</summary>
    public double Both(int blocks) => 2 / ((1 / Rate(_forward, blocks)) + (1 / Rate(_backward, blocks)));

    /// <inheritdoc/>
    public void Dispose() => _scope.Dispose();

    private double Rate(List<(Tensor X, Tensor W, Tensor Y)> products, int blocks)
    {
        using var _ = inference_mode();
        var started = Stopwatch.GetTimestamp();
        for (var block = 0; block < blocks; block++)
        {
            foreach (var (x, w, y) in products)
            {
                y.addmm_(x, w, 0, 1);
            }
        }

        return blocks * _flops / Stopwatch.GetElapsedTime(started).TotalSeconds;
    }
}
