#!/bin/sh
# Two roles for Airflow's FAB auth manager: who answers, and who starts runs. Safe to run again.
set -eu

may() { # may ROLE ACTION RESOURCE…
  role=$1 action=$2
  shift 2
  airflow roles add-perms "$role" --action "$action" --resource "$@"
}

airflow roles create 'Rights reviewer' 'Dataset builder'

# Sees runs and the rights review, and answers what a run asks. Edits no DAG, connection or variable, starts nothing.
may 'Rights reviewer' can_read Website DAGs 'DAG Runs' 'Task Instances' 'Task Logs' XComs 'HITL Detail'
may 'Rights reviewer' can_edit 'HITL Detail'
may 'Rights reviewer' menu_access DAGs 'HITL Detail'

# Starts runs and reads their logs. Answers nothing.
may 'Dataset builder' can_read Website DAGs 'DAG Runs' 'Task Instances' 'Task Logs' XComs
may 'Dataset builder' can_create 'DAG Runs'
may 'Dataset builder' menu_access DAGs
