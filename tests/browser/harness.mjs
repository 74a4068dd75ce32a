// The story that the page is watched with: `tabd-demo --keep` on the sandbox rail, tabctl, and a Chromium with a fresh
// profile. Whatever is started here is stopped here, by its own pid.

import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { chromium } from 'playwright-core';

export const kWaitMs = 60_000;

export const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

// Asks again and again until the answer is true; fails after kWaitMs with what was waited for.
export async function eventually(what, question) {
  const end = Date.now() + kWaitMs;
  for (;;) {
    const answer = await question();
    if (answer) return answer;
    if (Date.now() > end) throw new Error(`waited in vain: ${what}`);
    await sleep(100);
  }
}

export class Story {
  static async start(demo) {
    const story = new Story();
    story.folder = await mkdtemp(path.join(tmpdir(), 'tabd-browser-'));
    story.output = '';
    story.child = spawn(demo, ['--rail', 'sandbox', '--keep'], {
      env: { ...process.env, TMPDIR: story.folder },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    for (const stream of [story.child.stdout, story.child.stderr]) stream.on('data', (data) => (story.output += data));
    story.ended = once(story.child, 'exit');
    await eventually('the demo to be on stage', () => {
      if (story.child.exitCode !== null) throw new Error(`the demo ended:\n${story.output}`);
      return story.output.includes('== Traffic');
    });
    const find = (pattern) => pattern.exec(story.output)?.[1] ?? assertFound(pattern, story.output);
    story.url = find(/In a browser: (http:\/\/\S+\/page\/)/);
    story.environment = { TABCTL_SOCKET: find(/TABCTL_SOCKET=(\S+)/), TABCTL_KEY_FILE: find(/TABCTL_KEY_FILE=(\S+)/) };
    story.program = find(/alias tabctl=(\S+)/);
    return story;
  }

  async tabctl(...parameters) {
    const ran = await promisify(execFile)(this.program, parameters, { env: { ...process.env, ...this.environment } });
    return ran.stdout;
  }

  async stop() {
    if (this.child.exitCode === null) {
      this.child.kill('SIGINT');
      const slow = setTimeout(() => this.child.kill('SIGKILL'), 20_000);
      await this.ended;
      clearTimeout(slow);
    }
    await rm(this.folder, { recursive: true, force: true });
  }
}

function assertFound(pattern, output) {
  throw new Error(`the demo did not say ${pattern}:\n${output}`);
}

const kArguments = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

// What the browser did beside showing the page: requests to other places, complaints on the console, errors.
export class Watched {
  constructor(origin) {
    this.origin = origin;
    this.requests = [];
    this.complaints = [];
  }
  attach(page) {
    page.on('request', (request) => this.requests.push(request.url()));
    page.on('console', (message) => {
      if (['error', 'warning'].includes(message.type())) this.complaints.push(`${message.type()}: ${message.text()}`);
    });
    page.on('pageerror', (error) => this.complaints.push(`error: ${error.message}`));
    page.on('dialog', (dialog) => this.complaints.push(`dialog: ${dialog.message()}`));
  }
  foreign() {
    return this.requests.filter((url) => new URL(url).origin !== this.origin);
  }
}

export async function browser(program) {
  const profile = await mkdtemp(path.join(tmpdir(), 'tabd-profile-'));
  const context = await chromium.launchPersistentContext(profile, {
    executablePath: program,
    headless: true,
    args: kArguments,
    viewport: { width: 1440, height: 900 },
  });
  const close = async () => {
    await context.close();
    await rm(profile, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
  };
  return { context, close };
}
