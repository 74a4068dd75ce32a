// `make playground`. See --help, and README.md of the folder above. This file says what is missing before anything is loaded
// that needs it, so it has no imports, and is written for any Node.js.
const OLDEST = [18, 18];

function explain(error) {
  if (error.code !== "ERR_MODULE_NOT_FOUND") return error.message;
  return `npm packages of playground/agents are missing or old: run tools/setup.sh playground (${error.message})`;
}

async function main() {
  const [major, minor] = process.versions.node.split(".").map(Number);
  if (major < OLDEST[0] || (major === OLDEST[0] && minor < OLDEST[1])) {
    throw new Error(
      `Node.js ${OLDEST.join(".")} or newer is needed, and this is ${process.versions.node}: ` +
        "put a newer one first on the PATH (Debian 12 has one: apt install nodejs npm)",
    );
  }
  const { HELP, readOptions } = await import("./settings.mjs");
  const options = readOptions(process.argv.slice(2));
  if (options.help) {
    process.stdout.write(HELP);
    return;
  }
  const { play } = await import("./stage.mjs");
  await play(options);
}

main().then(
  () => process.exit(0), // sockets of clients that keep theirs open
  (error) => {
    console.error(`playground: ${explain(error)}`);
    process.exit(error.name === "UsageError" ? 2 : 1);
  },
);
