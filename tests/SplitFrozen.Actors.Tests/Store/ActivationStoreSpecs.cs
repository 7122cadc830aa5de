using System.Security.Cryptography;

using SplitFrozen.Actors.Channel;
using SplitFrozen.Actors.Store;
using SplitFrozen.Domain;
using SplitFrozen.Domain.Configuration;
using SplitFrozen.Domain.Store;
using SplitFrozen.Protocol;

using Xunit;

namespace SplitFrozen.Actors.Tests.Store;

/// <summary>Activations kept in memory and in files.</summary>
public sealed class ActivationStoreSpecs : IDisposable
{
    private const int Width = 6;
    private static readonly DeviceId Phone = new("phone");
    private static readonly string Data = new('a', 64);
    private static readonly StoreFingerprint Fingerprint = new("model", 2, 16, "Fp32", "Fp32", 1, "cpu");
    private readonly string _folder = Path.Combine(Path.GetTempPath(), "splitfrozen-tests", Path.GetRandomFileName());
    private readonly List<string> _log = [];

    public void Dispose()
    {
        if (Directory.Exists(_folder))
        {
            Directory.Delete(_folder, recursive: true);
        }
    }

    [Theory(DisplayName = "What is kept comes back: fp32 bit for bit, coarser codecs nearly")]
    [InlineData(ActivationCodec.Fp32, 0)]
    [InlineData(ActivationCodec.Bf16, 0.01)]
    [InlineData(ActivationCodec.Int8, 0.02)]
    public void Should_give_back_what_it_keeps(ActivationCodec codec, double tolerance)
    {
        using var store = Open(Settings(StoreMode.Memory) with { Codec = codec });
        using var unit = Unit(0, [3, 1, 5], [7, 0, 2]);
        store.Admit(Phone, Data, 10);
        store.Keep(unit);

        Assert.Equal(3, store.Count(Phone, 10));
        using var found = store.Find(Phone, 7, default);
        Assert.Equal(3, found!.Tokens);
        Assert.Equal([107], found.Targets);
        Assert.All(found.Values.ToArray().Zip(unit.Values.ToArray()), v => Assert.Equal(v.Second, v.First, tolerance * 8));
        Assert.Null(store.Find(Phone, 1, default));
    }

    [Theory(DisplayName = "Files outlive the store, encrypted or not")]
    [InlineData(false)]
    [InlineData(true)]
    public void Should_survive_a_restart(bool encrypted)
    {
        var settings = Settings(StoreMode.Disk) with { KeyFile = encrypted ? KeyFile("one") : null };
        using var unit = Unit(0, [3, 1, 5], [7, 0, 2]);
        using (var store = Open(settings))
        {
            store.Admit(Phone, Data, 10);
            store.Keep(unit);
        }

        var bytes = File.ReadAllBytes(Segment());
        Assert.Equal(!encrypted, Contains(bytes, unit));
        using var again = Open(settings);
        Assert.Equal(3, again.Admit(Phone, Data, 10));
        using var found = again.Find(Phone, 2, default);
        Assert.Equal(unit.Values[^(5 * Width)..].ToArray(), found!.Values.ToArray());
        Assert.Contains(_log, l => l.Contains("3 stored activations of earlier runs", StringComparison.Ordinal));
    }

    [Fact(DisplayName = "Files encrypted with another key are refused with what to do, not removed")]
    public void Should_refuse_another_key()
    {
        using (var store = Open(Settings(StoreMode.Disk) with { KeyFile = KeyFile("one") }))
        {
            store.Admit(Phone, Data, 10);
            using var unit = Unit(0, [3], [7]);
            store.Keep(unit);
        }

        foreach (var key in new[] { KeyFile("two"), null })
        {
            var error = Assert.Throws<UserErrorException>(() => Open(Settings(StoreMode.Disk) with { KeyFile = key }));
            Assert.Contains("splitfrozen.store.key-file", error.Message, StringComparison.Ordinal);
        }

        Assert.True(File.Exists(Segment()));
    }

    [Theory(DisplayName = "Any damaged byte of a segment is detected, and the sample is not given out")]
    [InlineData(false)]
    [InlineData(true)]
    public void Should_detect_damage(bool encrypted)
    {
        var settings = Settings(StoreMode.Disk) with { KeyFile = encrypted ? KeyFile("one") : null, MemoryLimit = 0 };
        using var unit = Unit(0, [2, 1], [7, 0]);
        using (var store = Open(settings))
        {
            store.Admit(Phone, Data, 10);
            store.Keep(unit);
        }

        var path = Segment();
        var whole = File.ReadAllBytes(path);
        for (var at = SegmentFile.HeaderBytes; at < whole.Length; at++)
        {
            var damaged = (byte[])whole.Clone();
            damaged[at] ^= 0x10;
            File.WriteAllBytes(path, damaged);
            using var store = Open(settings);
            store.Admit(Phone, Data, 10);
            using var first = store.Find(Phone, 7, default);
            using var second = store.Find(Phone, 0, default);
            Assert.True(first is null || second is null, $"byte {at}");
            Assert.True(first is null || first.Values.SequenceEqual(unit.Values.Span[..(2 * Width)]));
            Assert.True(second is null || second.Values.SequenceEqual(unit.Values.Span[(2 * Width)..]));
        }
    }

    [Fact(DisplayName = "A segment that a crash cut off is used up to the cut")]
    public void Should_use_what_is_whole()
    {
        var settings = Settings(StoreMode.Disk) with { MemoryLimit = 0 };
        using (var store = Open(settings))
        {
            using var unit = Unit(0, [2, 1], [7, 0]);
            store.Admit(Phone, Data, 10);
            store.Keep(unit);
        }

        using (var file = File.OpenWrite(Segment()))
        {
            file.SetLength(file.Length - 1);
        }

        using var again = Open(settings);
        Assert.Equal(1, again.Admit(Phone, Data, 10));
        Assert.NotNull(again.Find(Phone, 7, default));
    }

    [Fact(DisplayName = "Another cut, model or length limit invalidates the files, and the log says what changed")]
    public void Should_invalidate_by_fingerprint()
    {
        using (var store = Open(Settings(StoreMode.Disk)))
        {
            store.Admit(Phone, Data, 10);
            using var unit = Unit(0, [3], [7]);
            store.Keep(unit);
        }

        using var other = Open(Settings(StoreMode.Disk), Fingerprint with { Cut = 3 });
        Assert.Equal(0, other.Admit(Phone, Data, 10));
        Assert.Contains(_log, l => l.Contains("cut (2, now 3)", StringComparison.Ordinal));
        Assert.Empty(Directory.GetFiles(_folder, "segment-*"));
    }

    [Fact(DisplayName = "Other data of the same device invalidates what is stored of it, and of no other device")]
    public void Should_invalidate_by_data()
    {
        using var store = Open(Settings(StoreMode.Memory));
        using var unit = Unit(0, [3], [7]);
        store.Admit(Phone, Data, 10);
        store.Keep(unit);

        Assert.Equal(1, store.Admit(Phone, Data, 10));
        Assert.Equal(0, store.Admit(Phone, new string('b', 64), 10));
        Assert.Null(store.Find(Phone, 7, default));
        Assert.Contains(_log, l => l.Contains("its data changed", StringComparison.Ordinal));
    }

    [Fact(DisplayName = "Memory and disk keep to their limits")]
    public void Should_keep_to_limits()
    {
        using var store = Open(Settings(StoreMode.Disk) with { MemoryLimit = 1000, DiskLimit = 2000 });
        store.Admit(Phone, Data, 100);
        for (var i = 0; i < 50; i++)
        {
            using var unit = Unit(i, [3], [i]);
            store.Keep(unit);
        }

        Assert.InRange(store.Bytes.Memory, 1, 1000);
        Assert.InRange(store.Bytes.Disk, 1, 2000);
        Assert.InRange(store.Count(Phone, 100), 5, 15);
    }

    [Fact(DisplayName = "A folder in use is refused")]
    public void Should_lock_its_folder()
    {
        using var store = Open(Settings(StoreMode.Disk));
        var error = Assert.Throws<UserErrorException>(() => Open(Settings(StoreMode.Disk)));
        Assert.Contains("in use by another run", error.Message, StringComparison.Ordinal);
    }

    [Fact(DisplayName = "A key file without a key is refused with how to make one")]
    public void Should_refuse_a_bad_key()
    {
        Directory.CreateDirectory(_folder);
        var path = Path.Combine(_folder, "key");
        File.WriteAllText(path, "secret");
        var error = Assert.Throws<UserErrorException>(() => StoreKey.Load(path));
        Assert.Contains("openssl rand", error.Message, StringComparison.Ordinal);
        File.WriteAllText(path, new string('0', 64) + "\n");
        Assert.Equal(32, StoreKey.Load(path).Length);
    }

    private ActivationStore Open(StoreSettings settings, StoreFingerprint? fingerprint = null) =>
        ActivationStore.Open(settings, fingerprint ?? Fingerprint, Width, _folder, _log.Add);

    private static StoreSettings Settings(StoreMode mode) => new(mode, ActivationCodec.Fp32, 1 << 20, 1 << 20, null, null);

    private string Segment() => Directory.GetFiles(_folder, "segment-*").Single();

    private string KeyFile(string name)
    {
        var path = Path.Combine(Directory.CreateDirectory(_folder).FullName, name + ".key");
        File.WriteAllText(path, Convert.ToHexString(SHA256.HashData(System.Text.Encoding.UTF8.GetBytes(name))));
        return path;
    }

    private static ActivationUnit Unit(int seed, int[] lengths, int[] samples)
    {
        var unit = new ActivationUnit(new UnitHeader(Phone, default, default, default, 0, 2, Width, samples, lengths, Array.ConvertAll(samples, s => 100 + s)));
        for (var i = 0; i < unit.Values.Length; i++)
        {
            unit.Values.Span[i] = MathF.Sin((seed * 100) + i);
        }

        return unit;
    }

    private static bool Contains(byte[] bytes, ActivationUnit unit) =>
        bytes.AsSpan().IndexOf(System.Runtime.InteropServices.MemoryMarshal.AsBytes(unit.Values.Span[..Width])) >= 0;
}
