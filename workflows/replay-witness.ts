import { proxySinks, type ConcludeActivationInput, type Sinks, type WorkflowInterceptors } from '@temporalio/workflow';

/** What one step of a workflow tells the engine to do: the engine's own commands, with their values. */
export type Commands = ConcludeActivationInput['commands'];

/** Where a replay hands over what the code decides. */
export interface ReplayWitness extends Sinks {
  readonly witness: { decided(commands: Commands): void };
}

const { witness } = proxySinks<ReplayWitness>();

/**
 * Part of the bundle that replays, and of no other: the engine's library compares the order of the steps only, so a
 * replay needs a witness of the values in them.
 */
export function interceptors(): WorkflowInterceptors {
  return {
    internals: [
      {
        concludeActivation(input, next) {
          const output = next(input);
          witness.decided(output.commands);
          return output;
        },
      },
    ],
  };
}
