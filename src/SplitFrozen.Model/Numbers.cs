using TorchSharp;

namespace SplitFrozen.Model;

/// <summary>
/// Numbers for native functions. Where an addition is not told by what to weigh its second term, TorchSharp makes an object for the 1 (as square() does for the 2 of a power) that nothing
/// keeps alive while the native function reads it: the finaliser may free it in between, and the function fails or takes another number. Additions here name <see cref="One"/>.
/// </summary>
internal static class Numbers
{
    /// <summary>1, for as long as the process lives.</summary>
    public static Scalar One { get; } = 1;
}
