using SplitFrozen.Domain;
using TorchSharp;
using static TorchSharp.torch;

namespace SplitFrozen.Model;

/// <summary>Where tensors live and products are computed.</summary>
internal static class ComputeDevice
{
    /// <summary>Reads <c>cpu</c>, <c>cuda</c> or <c>cuda:N</c>.</summary>
    /// <exception cref="UserErrorException">It is neither, or that device is not there.</exception>
    public static Device Parse(string text)
    {
        if (text == "cpu")
        {
            return CPU;
        }

        int index = 0;
        if (text != "cuda" && !(text.StartsWith("cuda:", StringComparison.Ordinal) && int.TryParse(text.AsSpan(5), out index) && index >= 0))
        {
            throw new UserErrorException($"splitfrozen.model.compute is '{text}'; it must be cpu, or cuda:N with the number of a GPU from 0.");
        }

        if (!torch.cuda_is_available())
        {
            throw new UserErrorException(
                $"splitfrozen.model.compute is '{text}', but no CUDA device can be used. Reference the package libtorch-cuda-12.8-linux-x64 of the same version "
                + "in place of libtorch-cpu-linux-x64 (or TorchSharp-cuda-linux in place of TorchSharp-cpu), and check the GPU's driver with nvidia-smi; or set it to cpu.");
        }

        int devices = torch.cuda.device_count();
        return index < devices
            ? new Device(DeviceType.CUDA, index)
            : throw new UserErrorException($"splitfrozen.model.compute is '{text}', but this machine has {devices} CUDA devices, numbered from 0.");
    }
}
