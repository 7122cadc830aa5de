using System;
using System.IO;
using System.Linq;
using System.Text;
#if !NATIVE_FIT_WITHOUT_TASK
using Microsoft.Build.Framework;
using Microsoft.Build.Utilities;
#endif

namespace SplitFrozen.Build
{
    /// <summary>
    /// Fits TorchSharp's native library to systems whose libstdc++ ends before GLIBCXX_3.4.32 (Debian 12, Ubuntu 22.04). The one symbol of that version
    /// which the library needs, std::ios_base_library_init(), is what newer compilers call in the place of std::ios_base::Init::Init(), which has been
    /// there since GLIBCXX_3.4 and does the same. So the copy of the library is made to ask for the old name at the old version.
    /// </summary>
    public static class NativeFit
    {
        /// <summary>The symbol version that the library needs.</summary>
        public const string NeededVersion = "GLIBCXX_3.4.32";

        private const string StandInVersion = "GLIBCXX_3.4";
        private const string Provider = "libstdc++.so.6";
        private const string NeededSymbol = "_ZSt21ios_base_library_initv";
        private const string StandInSymbol = "_ZNSt8ios_base4InitC1Ev";

        /// <summary>What became of a library.</summary>
        public enum Outcome
        {
            /// <summary>It does not need the newer version: nothing was done.</summary>
            NothingNeeded,

            /// <summary>It was rewritten.</summary>
            Fitted,
        }

        /// <summary>Whether a libstdc++ has the version that the library needs.</summary>
        public static bool Provides(string libstdcxx)
        {
            return IndexOf(File.ReadAllBytes(libstdcxx), Encoding.ASCII.GetBytes(NeededVersion + "\0"), 0) >= 0;
        }

        /// <summary>Rewrites the library if it needs the newer version. The file is replaced by a new one, never written through: it may be a hard link into a package cache.</summary>
        /// <exception cref="InvalidDataException">The file is not a library of the known form; it was not changed.</exception>
        public static Outcome Fit(string library)
        {
            var bytes = File.ReadAllBytes(library);
            var elf = new Elf(bytes);
            int needed = elf.FindVersionNeed(Provider, NeededVersion);
            if (needed < 0)
            {
                return Outcome.NothingNeeded;
            }

            int standIn = elf.FindVersionNeed(Provider, StandInVersion);
            int symbol = elf.FindDynamicString(NeededSymbol);
            if (standIn < 0 || symbol < 0)
            {
                throw new InvalidDataException(library + " needs " + NeededVersion + " for something else than " + NeededSymbol);
            }

            // Elfxx_Vernaux: hash u32, flags u16, index u16, name offset u32, next u32. The index is what the symbols refer to: it stays.
            Array.Copy(bytes, standIn, bytes, needed, 4);
            Array.Copy(bytes, standIn + 8, bytes, needed + 8, 4);
            var name = Encoding.ASCII.GetBytes(StandInSymbol + "\0");
            Array.Copy(name, 0, bytes, symbol, name.Length);

            var temporary = library + "." + Guid.NewGuid().ToString("N") + ".tmp";
            File.WriteAllBytes(temporary, bytes);
            var written = File.GetLastWriteTimeUtc(library);
            File.Delete(library);
            File.Move(temporary, library);
            File.SetLastWriteTimeUtc(library, written);
            return Outcome.Fitted;
        }

        private static int IndexOf(byte[] bytes, byte[] pattern, int from)
        {
            for (int i = from; i <= bytes.Length - pattern.Length; i++)
            {
                int j = 0;
                while (j < pattern.Length && bytes[i + j] == pattern[j])
                {
                    j++;
                }

                if (j == pattern.Length)
                {
                    return i;
                }
            }

            return -1;
        }

        /// <summary>The parts of a 64-bit little-endian ELF file that name what it needs; every offset is checked.</summary>
        private sealed class Elf
        {
            private const uint VersionNeedSection = 0x6ffffffe;
            private readonly byte[] _bytes;
            private readonly long _needs;
            private readonly long _needCount;
            private readonly long _strings;
            private readonly long _stringsSize;

            public Elf(byte[] bytes)
            {
                _bytes = bytes;
                if (bytes.Length < 64 || UInt32(0) != 0x464c457f || bytes[4] != 2 || bytes[5] != 1)
                {
                    throw new InvalidDataException("not a 64-bit little-endian ELF file");
                }

                long sections = Int64(40);
                int size = UInt16(58);
                int count = UInt16(60);
                for (int i = 0; i < count; i++)
                {
                    long at = sections + ((long)i * size);
                    if (UInt32(at + 4) == VersionNeedSection)
                    {
                        long strings = sections + (UInt32(at + 40) * (long)size);
                        _needs = Int64(at + 24);
                        _needCount = UInt32(at + 44);
                        _strings = Int64(strings + 24);
                        _stringsSize = Int64(strings + 32);
                        Check(_strings, _stringsSize);
                        return;
                    }
                }

                throw new InvalidDataException("the ELF file has no section of needed versions");
            }

            /// <summary>The offset of the entry for a version of a provider, or -1.</summary>
            public int FindVersionNeed(string provider, string version)
            {
                long need = _needs;
                for (long i = 0; i < _needCount; i++)
                {
                    if (StringAt(UInt32(need + 4)) == provider)
                    {
                        long entry = need + UInt32(need + 8);
                        for (int left = UInt16(need + 2); left > 0; left--)
                        {
                            if (StringAt(UInt32(entry + 8)) == version)
                            {
                                return checked((int)entry);
                            }

                            entry += UInt32(entry + 12);
                        }
                    }

                    need += UInt32(need + 12);
                }

                return -1;
            }

            /// <summary>The offset of a string in the dynamic string table, or -1.</summary>
            public int FindDynamicString(string text)
            {
                int at = IndexOf(_bytes, Encoding.ASCII.GetBytes("\0" + text + "\0"), checked((int)_strings));
                return at >= 0 && at + text.Length < _strings + _stringsSize ? at + 1 : -1;
            }

            private string StringAt(uint offset)
            {
                long start = _strings + offset;
                Check(start, 1);
                long end = start;
                while (end < _strings + _stringsSize && _bytes[end] != 0)
                {
                    end++;
                }

                return Encoding.ASCII.GetString(_bytes, (int)start, (int)(end - start));
            }

            private int UInt16(long at)
            {
                Check(at, 2);
                return BitConverter.ToUInt16(_bytes, (int)at);
            }

            private uint UInt32(long at)
            {
                Check(at, 4);
                return BitConverter.ToUInt32(_bytes, (int)at);
            }

            private long Int64(long at)
            {
                Check(at, 8);
                return BitConverter.ToInt64(_bytes, (int)at);
            }

            private void Check(long at, long size)
            {
                if (at < 0 || size < 0 || at > _bytes.Length - size)
                {
                    throw new InvalidDataException("the ELF file is cut off or damaged");
                }
            }
        }
    }

#if !NATIVE_FIT_WITHOUT_TASK
    /// <summary>Fits the copies of TorchSharp's native library below a folder to this machine, where it needs that.</summary>
    public sealed class FitNativeLibrary : Task
    {
        private static readonly string[] Places =
        {
            "/usr/lib/x86_64-linux-gnu/libstdc++.so.6", "/lib/x86_64-linux-gnu/libstdc++.so.6", "/usr/lib64/libstdc++.so.6", "/lib64/libstdc++.so.6", "/usr/lib/libstdc++.so.6",
        };

        /// <summary>The output or publish folder.</summary>
        [Required]
        public string Folder { get; set; }

        /// <inheritdoc/>
        public override bool Execute()
        {
            if (!Directory.Exists(Folder))
            {
                return true;
            }

            var libraries = Directory.GetFiles(Folder, "libLibTorchSharp.so", SearchOption.AllDirectories);
            var system = Places.FirstOrDefault(File.Exists);
            if (libraries.Length == 0 || (system != null && NativeFit.Provides(system)))
            {
                return true;
            }

            foreach (var library in libraries)
            {
                Fit(library, system);
            }

            return !Log.HasLoggedErrors;
        }

        private void Fit(string library, string system)
        {
            var remedy = "Build on a system with the C++ library of GCC 13 or newer (Debian 13, Ubuntu 24.04 or the official .NET 10 images).";
            try
            {
                if (system == null)
                {
                    Log.LogError(null, "SFN001", null, library, 0, 0, 0, 0, "TorchSharp's native library needs libstdc++ (" + NativeFit.NeededVersion + "), and none was found in " + string.Join(", ", Places) + ". " + remedy);
                }
                else if (NativeFit.Fit(library) == NativeFit.Outcome.Fitted)
                {
                    Log.LogMessage(MessageImportance.High, "Fitted " + library + " to this system's C++ library, which ends before " + NativeFit.NeededVersion + ".");
                }
            }
            catch (Exception e) when (e is InvalidDataException || e is IOException || e is UnauthorizedAccessException)
            {
                Log.LogError(null, "SFN001", null, library, 0, 0, 0, 0, "TorchSharp's native library needs " + NativeFit.NeededVersion + ", which " + system + " does not have, and it could not be fitted: " + e.Message + ". " + remedy);
            }
        }
    }
#endif
}
