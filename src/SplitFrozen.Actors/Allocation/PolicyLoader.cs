using SplitFrozen.Domain;
using SplitFrozen.Domain.Allocation;
using SplitFrozen.Domain.Configuration;

namespace SplitFrozen.Actors.Allocation;

/// <summary>Finds the policy that splitfrozen.allocation.policy names: a built-in one, or a user's own class.</summary>
public static class PolicyLoader
{
    private const string Key = "splitfrozen.allocation.policy";

    /// <summary>Makes the policy.</summary>
    /// <exception cref="UserErrorException">The name is none of the built-in ones and no type that can be used.</exception>
    public static IAllocationPolicy Load(AllocationSettings settings)
    {
        if (BuiltInPolicies.Find(settings.Policy, settings.Manual) is { } builtIn)
        {
            return builtIn;
        }

        var type = FindType(settings.Policy);
        if (!typeof(IAllocationPolicy).IsAssignableFrom(type) || type.IsAbstract || type.GetConstructor(Type.EmptyTypes) is null)
        {
            throw new UserErrorException($"{Key} = {settings.Policy} names {type.FullName}, which must be a class that implements {nameof(IAllocationPolicy)}, with a public constructor without parameters.");
        }

        try
        {
            return (IAllocationPolicy)Activator.CreateInstance(type)!;
        }
        catch (System.Reflection.TargetInvocationException e)
        {
            throw new UserErrorException($"{Key} = {settings.Policy}: the constructor failed: {e.GetBaseException().Message}", e);
        }
    }

    /// <summary>Whether a name has the form of a type with its assembly.</summary>
    internal static bool IsTypeName(string policy) => policy.Contains('.', StringComparison.Ordinal) || policy.Contains(',', StringComparison.Ordinal);

    private static Type FindType(string name)
    {
        try
        {
            return Type.GetType(name, throwOnError: true)!;
        }
        catch (Exception e) when (e is TypeLoadException or IOException or BadImageFormatException or ArgumentException)
        {
            throw new UserErrorException($"{Key} = {name} is none of {string.Join(", ", BuiltInPolicies.Names)}, and no class of that name is to be had: {e.Message} Write it as \"Namespace.Class, Assembly\" and put the assembly beside the program.", e);
        }
    }
}
