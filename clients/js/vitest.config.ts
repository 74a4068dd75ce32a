import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["tests/**/*_test.ts"],
    testTimeout: 240_000, // a bound, not a measure: a machine may be busy
    hookTimeout: 120_000,
    pool: "forks",
    fileParallelism: false, // the integration tests start daemons
  },
});
