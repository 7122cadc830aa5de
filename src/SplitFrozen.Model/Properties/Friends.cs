using System.Runtime.CompilerServices;

[assembly: InternalsVisibleTo("SplitFrozen.Model.Tests")]
