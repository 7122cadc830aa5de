using SplitFrozen.Domain.Configuration;

namespace SplitFrozen.Actors.Configuration;

/// <summary>Settings of the methods that SplitFrozen is compared with.</summary>
public static partial class SettingsReader
{
    private static FedLoraSettings FedLora(KeyReader keys) => new(
        Variant(keys), keys.Integer("local-epochs", 1, Many), keys.IntegerOr(Auto, "local-steps", 1, Many),
        keys.IntegerOr(Auto, "rounds", 1, Many), keys.Number("participation", "above 0 and up to 1", p => p is > 0 and <= 1),
        keys.Number("device-dropout", "from 0 up to, not including, 1", p => p is >= 0 and < 1), keys.Word("keep-optimizer", "on", "off") == "on")
    {
        LearningRate = OwnRate(keys),
    };

    private static FedLoraVariant Variant(KeyReader keys) => keys.Word("variant", "fedit", "ffa", "fedex") switch
    {
        "ffa" => FedLoraVariant.Ffa,
        "fedex" => FedLoraVariant.Exact,
        _ => FedLoraVariant.FedIt,
    };

    private static SplitLoraSettings SplitLora(KeyReader keys) => new(
        keys.IntegerOr(Auto, "blocks", 1, Many), keys.Integer("average-every", 1, int.MaxValue), keys.Choice<SplitLoraOrder>("order"))
    {
        LearningRate = OwnRate(keys),
    };

    private static double? OwnRate(KeyReader keys) => keys.NumberOr(Auto, "learning-rate", "above 0 and up to 10", r => r is > 0 and <= 10);
}
