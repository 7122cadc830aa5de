// Each test starts processes that compute: side by side they would time each other out.
[assembly: CollectionBehavior(DisableTestParallelization = true)]
