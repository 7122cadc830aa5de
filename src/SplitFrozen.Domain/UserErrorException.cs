namespace SplitFrozen.Domain;

/// <summary>Something that the user can mend. The message names the key, file, row or node and the remedy; it is shown as it stands, without a stack trace.</summary>
public sealed class UserErrorException : Exception
{
    /// <summary>An error with its remedy.</summary>
    public UserErrorException(string message) : base(message)
    {
    }

    /// <summary>An error with its remedy and the exception behind it.</summary>
    public UserErrorException(string message, Exception inner) : base(message, inner)
    {
    }
}
