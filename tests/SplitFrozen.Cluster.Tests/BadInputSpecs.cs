using System.Buffers.Binary;
using System.Text;

using SplitFrozen.Cluster.Tests.Support;

namespace SplitFrozen.Cluster.Tests;

/// <summary>What a user may get wrong: each ends with a message that names it and the remedy, a code of its own, and nothing written.</summary>
public sealed class BadInputSpecs
{
    private static readonly Dictionary<string, Action<Workplace>> Damages = new()
    {
        ["no weights"] = p => File.Delete(p.At("model", "model.safetensors")),
        ["truncated weights"] = p => Edit(p.At("model", "model.safetensors"), bytes => bytes[..^1000]),
        ["lying offsets"] = p => Edit(p.At("model", "model.safetensors"), Lie),
        ["lying header length"] = p => Edit(p.At("model", "model.safetensors"), bytes => [.. BitConverter.GetBytes(long.MaxValue), .. bytes[8..]]),
        ["unknown architecture"] = p => Replace(p.At("model", "config.json"), "\"llama\"", "\"mamba\""),
        ["other tokenizer"] = p => Replace(p.At("model", "config.json"), "\"vocab_size\": 512", "\"vocab_size\": 300"),
        ["no tokenizer"] = p => File.Delete(p.At("model", "tokenizer.json")),
        ["broken row"] = p => File.AppendAllText(p.At("data", "train.csv"), "a \"text,about_dog,and more\n"),
        ["row without label"] = p => File.AppendAllText(p.At("data", "train.csv"), "a text,\n"),
        ["unknown column"] = p => Replace(p.At("data", "train.csv"), "text,category", "words,kind"),
        ["no data"] = p => Directory.Delete(p.At("data"), recursive: true),
    };

    [Theory(DisplayName = "A damaged model or data folder is named, with what to do")]
    [InlineData("no weights", "model.safetensors")]
    [InlineData("truncated weights", "model.safetensors", "etch it again")]
    [InlineData("lying offsets", "model.safetensors", "etch it again")]
    [InlineData("lying header length", "model.safetensors", "etch it again")]
    [InlineData("unknown architecture", "mamba", "config.json")]
    [InlineData("other tokenizer", "300", "tokenizer")]
    [InlineData("no tokenizer", "tokenizer.json")]
    [InlineData("broken row", "train.csv", "line 98")]
    [InlineData("row without label", "train.csv", "line 98", "Fill it in or remove the row")]
    [InlineData("unknown column", "train.csv", "splitfrozen.data.columns")]
    [InlineData("no data", "data", "splitfrozen.data.path")]
    public async Task Should_refuse_damaged_folders(string damage, params string[] named)
    {
        using var place = new Workplace();
        Damages[damage](place);

        await Refused(place, named);
    }

    [Theory(DisplayName = "A setting that cannot be is named, with what it may be")]
    [InlineData("splitfrozen.training.sed=1", "splitfrozen.training.sed", "splitfrozen.training.seed")]
    [InlineData("splitfrozen.training.learning-rate=-1", "splitfrozen.training.learning-rate", "-1")]
    [InlineData("splitfrozen.training.micro-batch-size=17", "splitfrozen.training.micro-batch-size", "16")]
    [InlineData("splitfrozen.data.partition=random", "splitfrozen.data.partition", "dirichlet")]
    [InlineData("splitfrozen.model.cut=5", "splitfrozen.model.cut", "1 to 4")]
    [InlineData("splitfrozen.model.cut=0", "splitfrozen.model.cut", "0")]
    [InlineData("splitfrozen.lora.targets=[c_attn]", "splitfrozen.lora.targets", "q_proj")]
    [InlineData("splitfrozen.model.compute=\"cuda:0\"", "cuda", "package")]
    [InlineData("splitfrozen.data.devices=1000", "splitfrozen.data.devices", "1000")]
    [InlineData("splitfrozen.data.max-length=513", "splitfrozen.data.max-length", "512")]
    [InlineData("splitfrozen.channel.max-frame-bytes=1KiB", "splitfrozen.channel.max-frame-bytes", "splitfrozen.pipeline.unit-tokens")]
    [InlineData("splitfrozen.server.memory-limit=1MiB", "splitfrozen.server.memory-limit", "splitfrozen.pipeline.grant-batches")]
    public async Task Should_refuse_bad_settings(string setting, params string[] named)
    {
        using var place = new Workplace();

        await Refused(place, named, "--set", setting);
    }

    [Fact(DisplayName = "A run folder that exists is left as it is")]
    public async Task Should_refuse_a_run_folder_that_exists()
    {
        using var place = new Workplace();
        Directory.CreateDirectory(place.At("mine"));
        File.WriteAllText(place.At("mine", "notes.txt"), "mine");

        var (code, output) = await place.RunAsync("train", "--run", place.At("mine"));

        Assert.Equal(2, code);
        Assert.Contains($"The run folder {place.At("mine")} exists", output, StringComparison.Ordinal);
        Assert.Equal([place.At("mine", "notes.txt")], Directory.GetFileSystemEntries(place.At("mine")));
    }

    [Theory(DisplayName = "A port in use is named by its key")]
    [InlineData("splitfrozen.cluster.port")]
    [InlineData("splitfrozen.channel.port")]
    public async Task Should_refuse_a_port_in_use(string key)
    {
        using var place = new Workplace();
        var (taken, port) = Workplace.TakePort();
        using (taken)
        {
            await Refused(place, [key, $"{port}"], "--set", $"{key}={port}");
        }
    }

    [Fact(DisplayName = "A device id that is taken is refused, and the run goes on without the second")]
    public async Task Should_refuse_an_id_twice()
    {
        using var place = new Workplace();
        var server = place.Start("server", "--run", place.At("run"));
        var address = await Workplace.AddressAsync(server);
        var first = place.StartDevice(address, "device-0", "--set", "splitfrozen.device.partition=0");
        await server.LineAsync(l => l.Contains("device-0 on ", StringComparison.Ordinal));
        var second = place.StartDevice(address, "device-0", "--set", "splitfrozen.device.partition=1");

        Assert.Equal(2, await second.ExitAsync());
        Assert.Contains("device-0", second.Output, StringComparison.Ordinal);
        Assert.Contains("splitfrozen.device.id", second.Output, StringComparison.Ordinal);
        var other = place.StartDevice(address, "device-1", "--set", "splitfrozen.device.partition=1");
        Assert.Equal((0, 0, 0), (await server.ExitAsync(), await first.ExitAsync(), await other.ExitAsync()));
    }

    [Fact(DisplayName = "A server whose devices do not all come says who came, and leaves no folder")]
    public async Task Should_not_wait_for_ever()
    {
        using var place = new Workplace("start.limit = 15s");
        var server = place.Start("server", "--run", place.At("run"));
        var device = place.StartDevice(await Workplace.AddressAsync(server), "device-0", "--set", "splitfrozen.device.partition=0", "--set", "splitfrozen.start.limit=60s");

        Assert.Equal(3, await server.ExitAsync());
        Assert.Contains("Only 1 of 2 devices joined", server.Output, StringComparison.Ordinal);
        Assert.Contains("joined: device-0", server.Output, StringComparison.Ordinal);
        Assert.Contains("splitfrozen.start.min-devices", server.Output, StringComparison.Ordinal);
        Assert.False(Directory.Exists(place.At("run")));
        await device.ExitAsync();
    }

    [Fact(DisplayName = "A device whose server does not answer says where it looked")]
    public async Task Should_tell_of_a_server_that_is_not_there()
    {
        using var place = new Workplace("start.limit = 3s");
        var (taken, port) = Workplace.TakePort();
        taken.Dispose();
        var device = place.StartDevice($"127.0.0.1:{port}", "phone");

        Assert.Equal(3, await device.ExitAsync());
        Assert.Contains($"127.0.0.1:{port}", device.Output, StringComparison.Ordinal);
        Assert.Contains("splitfrozen.cluster.seed-nodes", device.Output, StringComparison.Ordinal);
    }

    [Fact(DisplayName = "A device with another model than the server's is refused")]
    public async Task Should_refuse_another_model()
    {
        using var place = new Workplace();
        var server = place.Start("server", "--run", place.At("run"));
        var address = await Workplace.AddressAsync(server);
        var device = place.StartDevice(address, "device-0", "--set", "splitfrozen.device.partition=0", "--model", "bundled:tiny-gpt2");

        Assert.Equal(2, await device.ExitAsync());
        Assert.Contains("model", device.Output, StringComparison.Ordinal);
        Assert.Contains("splitfrozen.model.path", device.Output, StringComparison.Ordinal);
    }

    private static async Task Refused(Workplace place, string[] named, params string[] arguments)
    {
        var (code, output) = await place.RunAsync("train", ["--run", place.At("runs", "new"), .. arguments]);

        Assert.True(code == 2, output);
        Assert.Contains("error: ", output, StringComparison.Ordinal);
        Assert.All(named, name => Assert.Contains(name, output, StringComparison.Ordinal));
        Assert.DoesNotContain("   at ", output, StringComparison.Ordinal);
        Assert.False(Directory.Exists(place.At("runs", "new")));
        Assert.Empty(Directory.Exists(place.At("runs")) ? Directory.GetFileSystemEntries(place.At("runs")) : []);
    }

    /// <summary>Lets the first tensor's end lie beyond the file, with the header's length unchanged.</summary>
    private static byte[] Lie(byte[] file)
    {
        var length = (int)BinaryPrimitives.ReadInt64LittleEndian(file);
        var header = Encoding.UTF8.GetString(file, 8, length);
        var end = header.IndexOf(']', header.IndexOf("data_offsets", StringComparison.Ordinal));
        var lying = header[..(end - 1)] + (header[end - 1] == '9' ? '8' : '9') + header[end..];
        Encoding.UTF8.GetBytes(lying).CopyTo(file, 8);
        return file;
    }

    private static void Edit(string file, Func<byte[], byte[]> change) => File.WriteAllBytes(file, change(File.ReadAllBytes(file)));

    private static void Replace(string file, string old, string with)
    {
        var text = File.ReadAllText(file);
        Assert.Contains(old, text, StringComparison.Ordinal);
        File.WriteAllText(file, text.Replace(old, with, StringComparison.Ordinal));
    }
}
