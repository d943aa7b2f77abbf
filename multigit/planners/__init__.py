"""One module for each verb: `plan(config, fleet, request, now) -> Plan`. Pure: same input, same plan."""
