// `make playground`. See --help, and README.md of the folder above.
import { HELP, readOptions, UsageError } from "./settings.mjs";

try {
  const options = readOptions(process.argv.slice(2));
  if (options.help) {
    process.stdout.write(HELP);
  } else {
    const { play } = await import("./stage.mjs");
    await play(options);
  }
  process.exit(0); // sockets of clients that keep theirs open
} catch (error) {
  console.error(`playground: ${error.message}`);
  process.exit(error instanceof UsageError ? 2 : 1);
}
