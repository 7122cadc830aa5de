using System.Reflection;
using System.Text;

using SplitFrozen.Build;

namespace SplitFrozen.Model.Tests.Build;

/// <summary>The build fits copies of TorchSharp's native library to systems with an older libstdc++.</summary>
public sealed class NativeFitSpecs : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("splitfrozen-fit-").FullName;

    private static string Packaged => Path.Combine(
        typeof(NativeFitSpecs).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>().Single(a => a.Key == "TorchSharpPackage").Value!,
        "runtimes", "linux-x64", "native", "libLibTorchSharp.so");

    [Fact(DisplayName = "The packaged library needs the newer version, and its fitted copy does not")]
    public void Should_fit_a_copy()
    {
        var copy = Copy();
        Assert.True(Names(copy, NativeFit.NeededVersion + "\0"));
        Assert.Equal(NativeFit.Outcome.Fitted, NativeFit.Fit(copy));

        var (before, after) = (File.ReadAllBytes(Packaged), File.ReadAllBytes(copy));
        Assert.Equal(before.Length, after.Length);
        Assert.InRange(before.Zip(after).Count(p => p.First != p.Second), 1, 60);
        Assert.True(Names(copy, "_ZNSt8ios_base4InitC1Ev\0"));
        Assert.False(Names(copy, "_ZSt21ios_base_library_initv\0"));
    }

    [Fact(DisplayName = "A fitted library is left alone")]
    public void Should_do_it_once()
    {
        var copy = Copy();
        NativeFit.Fit(copy);
        var once = File.ReadAllBytes(copy);

        Assert.Equal(NativeFit.Outcome.NothingNeeded, NativeFit.Fit(copy));
        Assert.Equal(once, File.ReadAllBytes(copy));
    }

    [Fact(DisplayName = "The file is replaced and not written through, and keeps its time")]
    public void Should_replace_the_file()
    {
        var copy = Copy();
        using var open = File.OpenRead(copy);
        var time = File.GetLastWriteTimeUtc(copy);
        NativeFit.Fit(copy);

        using var content = new MemoryStream();
        open.CopyTo(content);
        Assert.Equal(File.ReadAllBytes(Packaged), content.ToArray());
        Assert.Equal(time, File.GetLastWriteTimeUtc(copy));
    }

    [Theory(DisplayName = "A damaged library is refused and not changed")]
    [InlineData(0)]
    [InlineData(63)]
    [InlineData(4096)]
    [InlineData(1_000_000)]
    public void Should_refuse_damage(int length)
    {
        var copy = Copy();
        var bytes = File.ReadAllBytes(copy)[..length];
        File.WriteAllBytes(copy, bytes);

        Assert.Throws<InvalidDataException>(() => NativeFit.Fit(copy));
        Assert.Equal(bytes, File.ReadAllBytes(copy));
    }

    [Fact(DisplayName = "What is no library is refused")]
    public void Should_refuse_other_files()
    {
        var file = Path.Combine(_folder, "text.so");
        File.WriteAllText(file, new string('x', 5000));
        Assert.Throws<InvalidDataException>(() => NativeFit.Fit(file));
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private string Copy()
    {
        var copy = Path.Combine(_folder, "libLibTorchSharp.so");
        File.Copy(Packaged, copy);
        return copy;
    }

    private static bool Names(string file, string text) =>
        File.ReadAllBytes(file).AsSpan().IndexOf(Encoding.ASCII.GetBytes(text)) >= 0;
}
