/** How many inputs each property is tried with; raise it for a long search (fast-check prints the seed of a failure). */
export const RUNS = { numRuns: Number(process.env['HOLDFAST_PROPERTY_RUNS'] ?? 1000) };
