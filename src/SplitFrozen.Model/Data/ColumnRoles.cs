using SplitFrozen.Domain;
using SplitFrozen.Domain.Configuration;
using SplitFrozen.Protocol;

namespace SplitFrozen.Model.Data;

/// <summary>What the columns of a file are for.</summary>
/// <param name="Task">What can be learned.</param>
/// <param name="Inputs">The column of the text or question, or the two of a pair.</param>
/// <param name="Output">The column of the label or answer.</param>
internal sealed record ColumnRoles(TaskKind Task, IReadOnlyList<string> Inputs, string Output)
{
    private const string Keys = "splitfrozen.data.columns";

    private static readonly string[] Labels = ["gold_label", "label", "category", "intent", "Quality", "is_duplicate", "class"];
    private static readonly string[] Texts = ["text", "sentence", "utterance", "query"];
    private static readonly string[] Questions = ["question", "prompt"];
    private static readonly string[] Answers = ["answer", "completion"];
    private static readonly (string First, string Second)[] Pairs =
    [
        ("sentence1", "sentence2"), ("#1 String", "#2 String"), ("question1", "question2"), ("premise", "hypothesis"), ("question", "sentence"),
    ];

    /// <summary>
    /// The roles of a file's columns: those that the settings name, else those of well-known names (letter case does not matter). A label
    /// makes it classification, otherwise question and answer make it language modelling.
    /// </summary>
    /// <returns>The roles, or null where the column of the label or answer is missing.</returns>
    /// <exception cref="UserErrorException">The settings contradict each other, or the input's column is missing.</exception>
    public static ColumnRoles? Find(DataFile file, ColumnSettings settings)
    {
        var classifies = settings.Text is not null || settings.SecondText is not null || settings.Label is not null;
        var models = settings.Question is not null || settings.Answer is not null;
        if (classifies && models)
        {
            throw new UserErrorException(
                $"{Keys}.text, .second-text and .label are for classification, .question and .answer for language modelling. Set one kind or the other.");
        }

        var columns = new Columns(file.Path, file.ReadColumns());
        if (!models && columns.Pick(settings.Label, Labels) is { } label)
        {
            return new ColumnRoles(TaskKind.Classification, FindTexts(columns, settings, label), label);
        }

        return !classifies && columns.Pick(settings.Answer, Answers) is { } answer
            ? new ColumnRoles(TaskKind.LanguageModel, [columns.Require("question", settings.Question, Questions)], answer)
            : null;
    }

    /// <summary>As <see cref="Find"/>, where the label or answer must be there.</summary>
    /// <exception cref="UserErrorException">No column of a label or answer can be told.</exception>
    public static ColumnRoles Require(DataFile file, ColumnSettings settings)
    {
        if (Find(file, settings) is { } roles)
        {
            return roles;
        }

        var columns = new Columns(file.Path, file.ReadColumns());
        throw settings switch
        {
            { Label: not null } => columns.Missing("label", settings.Label),
            { Answer: not null } => columns.Missing("answer", settings.Answer),
            { Question: not null } => columns.Missing("answer", null),
            { Text: not null } or { SecondText: not null } => columns.Missing("label", null),
            _ => new UserErrorException(
                $"{file.Path} has the columns {columns}, and none is known to be a label or an answer. "
                + $"Name them: {Keys}.text and .label for classification, or .question and .answer for language modelling."),
        };
    }

    private static string[] FindTexts(Columns columns, ColumnSettings settings, string label)
    {
        if (settings.Text is null && settings.SecondText is null)
        {
            foreach (var (first, second) in Pairs)
            {
                if (columns.Pick(null, [first]) is { } one && columns.Pick(null, [second]) is { } two)
                {
                    return [one, two];
                }
            }
        }

        // Where there is but one column beside the label, its name does not matter.
        string[] known = columns.Names.Count == 2 ? [.. Texts, .. columns.Names.Where(name => name != label)] : Texts;
        var text = columns.Require("text", settings.Text, known);
        return settings.SecondText is null ? [text] : [text, columns.Require("second-text", settings.SecondText, [])];
    }

    private sealed record Columns(string File, IReadOnlyList<string> Names)
    {
        /// <summary>The column that is set, if it exists, or else the first that has a known name.</summary>
        public string? Pick(string? set, IEnumerable<string> known) => set is not null
            ? Names.FirstOrDefault(name => name == set)
            : known.Select(candidate => Names.FirstOrDefault(name => name.Equals(candidate, StringComparison.OrdinalIgnoreCase))).FirstOrDefault(name => name is not null);

        public string Require(string key, string? set, IEnumerable<string> known) => Pick(set, known) ?? throw Missing(key, set);

        public UserErrorException Missing(string key, string? set) => new(set is not null
            ? $"{File} has no column \"{set}\", which {Keys}.{key} names; it has {this}. Set the key to one of these."
            : $"{File} has the columns {this}, and none is known to be the {key}. Set {Keys}.{key} to one of these.");

        public override string ToString() => string.Join(", ", Names.Select(name => $"\"{name}\""));
    }
}
