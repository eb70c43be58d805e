#!/usr/bin/env node
import { Command } from 'commander'
import { classifyCommand } from './classify.js'
import { doctorCommand } from './doctor.js'
import { featuresCommand } from './features.js'
import { inspectCommand } from './inspect.js'
import { installCommand } from './install.js'
import { endOnOutputErrors } from './output-errors.js'
import { packageVersion } from './package-version.js'
import { pullCommand } from './pull.js'
import { exitStatusText, usageStatus } from './verb-ending.js'

endOnOutputErrors()

const program = new Command('node-libtorch')
  .description('PyTorch for Node.js without Python')
  .version(packageVersion())
  .enablePositionalOptions() // `install --version 2.13` is not `--version`
  .addCommand(installCommand())
  .addCommand(doctorCommand())
  .addCommand(classifyCommand())
  .addCommand(featuresCommand())
  .addCommand(pullCommand())
  .addCommand(inspectCommand())
  .addHelpText('after', '\nExample:\n  $ npx node-libtorch doctor\n')
  .addHelpText('afterAll', exitStatusText)

for (const command of [program, ...program.commands]) {
  command.exitOverride(({ exitCode }) => process.exit(exitCode === 0 ? 0 : usageStatus))
}
await program.parseAsync()
