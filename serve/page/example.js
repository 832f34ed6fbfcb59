// An article to try the page with. Its people, firms and places are invented.

export const EXAMPLE = `Harbour inquiry opens with sharp words over missing reports

The public inquiry into the collapse of Pier 9 at Port Hallam opened on Monday before a full room.

The dockers' union accused Norvex Shipping of hiding inspection reports for two years. “They knew the beams were rotten and they said nothing,” Ines Talvo, the union's secretary, told the panel. A Norvex spokesman said the allegation was untrue and that every report had been handed over.

Mayor Odile Brandt denied that her office had been warned. “No such letter ever reached us,” she said. Her deputy, Karel Munro, stood by the mayor and praised her handling of the evacuation.

The opposition on the council was not satisfied. Councillor Petra Lindqvist blamed the mayor for ignoring the warnings of her own engineers. She also criticised Norvex Shipping for answering questions through its lawyers alone.

The pier was closed in March and demolished in June. About 340 people worked there before the collapse.

Norvex Shipping rejected the union's claim that it had dismissed a whistleblower. The Hallam Chamber of Trade defended the company as an honest employer. The union later repeated its charge that Norvex had concealed the reports.

Whether the insurer knew is less clear. The panel will hear engineers on Thursday, and its report is expected next spring.`;
