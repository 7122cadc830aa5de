using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace SplitFrozen.Model.Blocks;

/// <summary>
/// eˣ of float32 in float32, within two units in the last place: the runtime's own goes through float64 and takes several times as long. eˣ = 2ⁿ eʳ, where r is what is
/// left of x beyond a whole number of ln 2, and eʳ a polynomial (coefficients of Moshier's Cephes library, expf).
/// </summary>
internal static class FastExponential
{
    private const float Log2E = 1.44269504f;
    private const float Ln2High = 0.693359375f;
    private const float Ln2Low = -2.12194440e-4f;
    private const float Least = -88;
    private const float Most = 89;
    private const int Bias = 127;
    private const int FractionBits = 23;

    /// <summary>eˣ; 0 below −87.7, infinite above 88.4, not a number where x is none.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Of(Vector256<float> x)
    {
        // In this order what is no number passes.
        x = Vector256.MinNative(Vector256.Create(Most), Vector256.MaxNative(Vector256.Create(Least), x));
        var n = Vector256.Round(x * Vector256.Create(Log2E));
        var r = Vector256.FusedMultiplyAdd(n, Vector256.Create(-Ln2High), x);
        r = Vector256.FusedMultiplyAdd(n, Vector256.Create(-Ln2Low), r);
        var p = Vector256.Create(1.9875691500e-4f);
        p = Vector256.FusedMultiplyAdd(p, r, Vector256.Create(1.3981999507e-3f));
        p = Vector256.FusedMultiplyAdd(p, r, Vector256.Create(8.3334519073e-3f));
        p = Vector256.FusedMultiplyAdd(p, r, Vector256.Create(4.1665795894e-2f));
        p = Vector256.FusedMultiplyAdd(p, r, Vector256.Create(1.6666665459e-1f));
        p = Vector256.FusedMultiplyAdd(p, r, Vector256.Create(5.0000001201e-1f));
        p = Vector256.FusedMultiplyAdd(p, r * r, r) + Vector256<float>.One;

        // 2ⁿ by its bits: of −127 they are those of 0, of 128 those of infinity.
        var power = (Vector256.ConvertToInt32Native(n) + Vector256.Create(Bias)) << FractionBits;
        return p * power.AsSingle();
    }
}
