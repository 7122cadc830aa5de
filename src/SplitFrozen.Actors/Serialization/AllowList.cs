using System.Collections.Frozen;
using System.Reflection;

using Hyperion;

using SplitFrozen.Protocol;

namespace SplitFrozen.Actors.Serialization;

/// <summary>
/// The types that may be read from the wire: messages marked <see cref="IWireMessage"/>, and what their members hold. All else is refused
/// before it is instantiated. Hyperion asks with assembly-qualified names on writing and with short ones on reading; both are reduced to
/// type and assembly name.
/// </summary>
internal sealed class AllowList : ITypeFilter
{
    private readonly FrozenSet<string> _names;

    private AllowList(IEnumerable<Type> types)
    {
        Types = [.. types.OrderBy(t => t.FullName, StringComparer.Ordinal)];
        _names = Types.Select(t => $"{t.FullName}, {t.Assembly.GetName().Name}").ToFrozenSet(StringComparer.Ordinal);
    }

    /// <summary>The list of the protocol's own assembly.</summary>
    public static AllowList Protocol { get; } = new(Closure(Messages(typeof(IWireMessage).Assembly)));

    /// <summary>What is allowed.</summary>
    public IReadOnlyList<Type> Types { get; }

    /// <summary>All concrete message types of an assembly.</summary>
    public static IEnumerable<Type> Messages(Assembly assembly) =>
        assembly.GetTypes().Where(t => t is { IsAbstract: false, IsInterface: false } && t.IsAssignableTo(typeof(IWireMessage)));

    /// <inheritdoc/>
    public bool IsAllowed(string typeName)
    {
        var parts = typeName.Split(',', 3, StringSplitOptions.TrimEntries);
        return parts.Length >= 2 && _names.Contains($"{parts[0]}, {parts[1]}");
    }

    private static HashSet<Type> Closure(IEnumerable<Type> roots)
    {
        var found = new HashSet<Type>();
        var open = new Stack<Type>(roots);
        while (open.TryPop(out var type))
        {
            if (!found.Add(type))
            {
                continue;
            }

            if (type.IsArray)
            {
                open.Push(type.GetElementType()!);
            }
            else if (type.Assembly == typeof(IWireMessage).Assembly)
            {
                foreach (var field in type.GetFields(BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic))
                {
                    open.Push(field.FieldType);
                }
            }
        }

        return found;
    }
}
